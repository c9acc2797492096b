"""One request, step by step: from pictures to explanations."""
