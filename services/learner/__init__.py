"""The learner: from the history to a model file, its card, and a promotion that has to be earned."""
