"""Between a class and a learning management system: archives in, grades out, and what is late."""
