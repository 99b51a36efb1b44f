"""Prediction, selection and cost of a trained run, each with a control and an interval."""
