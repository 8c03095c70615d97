"""RDS for MySQL and MariaDB, and Aurora MySQL, with a server that this machine has."""
