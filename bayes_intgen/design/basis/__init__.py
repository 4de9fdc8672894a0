"""Features: functions of one variable, and their products."""
