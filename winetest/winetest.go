// Package winetest lets a test that runs on Windows skip what Wine, and not Windows, can't do.
//
//	winetest.Lacks(t, "what Wine lacks")
package winetest

import "testing"

// Lacks skips a test that runs on Wine, for what Wine lacks. On Windows, and everywhere else, it does nothing.
func Lacks(t testing.TB, what string) {
	t.Helper()
	if onWine() {
		t.Skip("Wine " + what)
	}
}
