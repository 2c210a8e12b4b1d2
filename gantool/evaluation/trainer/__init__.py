"""Training programs of the user's in the place of an estimator: what they are given, how they are run, what they give back."""
