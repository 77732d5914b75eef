//go:build race

package guest

// raceEnabled says that the race detector makes everything slower.
const raceEnabled = true
