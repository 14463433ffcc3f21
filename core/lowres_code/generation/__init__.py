"""Whatever writes completions, behind one seam."""
