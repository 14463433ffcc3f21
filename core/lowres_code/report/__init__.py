"""What people read of a run or an evaluation."""
