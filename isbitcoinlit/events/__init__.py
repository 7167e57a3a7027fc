"""What happens, told to everybody: through Redis to processes, from there to clients."""
