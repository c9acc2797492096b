"""Models, pictures and runs that several tests share."""
