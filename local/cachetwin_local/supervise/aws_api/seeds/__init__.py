"""The resources of the template in moto: a module for each service, a row in `seeding.SEEDERS` for each type."""
