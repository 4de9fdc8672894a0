"""Estimands: functions of the draws of a fit."""
