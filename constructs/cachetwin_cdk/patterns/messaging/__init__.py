"""MessagingServices: services that exchange messages and jobs through one cache."""
