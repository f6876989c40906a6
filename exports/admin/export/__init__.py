"""Export pages: asking for one, what came of it, schedules."""
