//go:build !windows

package winetest

func onWine() bool { return false }
