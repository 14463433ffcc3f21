"""GRPO training: TRL's ``GRPOTrainer`` with the judge as its reward."""
