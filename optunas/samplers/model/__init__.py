"""The model behind `ArchitectureSampler`: what it sees, believes and proposes."""
