"""Training: a supervised stage, a selection of problems, and TRL's ``GRPOTrainer`` with the judge as its reward."""
