"""A picture of an app's architecture, made from its templates: a value, and two renderers of it."""
