"""What only REST APIs do: mapping templates, models, usage plans, and answers that the template words."""
