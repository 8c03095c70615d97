"""APIs of API Gateway: requests become events for functions, and their results responses."""
