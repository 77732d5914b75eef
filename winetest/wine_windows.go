package winetest

import "golang.org/x/sys/windows"

// onWine reports whether this is Wine, whose ntdll.dll says so.
func onWine() bool {
	return windows.NewLazySystemDLL("ntdll.dll").NewProc("wine_get_version").Find() == nil
}
