"""What admin pages of both apps are made of."""
