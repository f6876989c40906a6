"""Pages about watching deployments: health, alarms, incidents."""
