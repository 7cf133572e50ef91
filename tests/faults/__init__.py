"""What a portal under fire must hold: nothing lost, nothing paid twice."""
