"""A storyboard artist: reads a prompt, stages the scene once and shoots it through several cameras."""
