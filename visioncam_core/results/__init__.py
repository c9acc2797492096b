"""What an explanation is, and how it is drawn and saved."""
