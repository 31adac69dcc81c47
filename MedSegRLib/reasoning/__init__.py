"""One conversation about one volume: plan, talk, ground slice by slice, assemble, measure, tell."""
