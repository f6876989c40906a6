"""Export pages: requesting one, its outcome, schedules."""
