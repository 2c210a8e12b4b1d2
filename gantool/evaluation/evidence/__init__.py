"""What images themselves show, beside what is learnt from them: whether labels stay true, how real they look, what R does."""
