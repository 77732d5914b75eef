package driver

// installCommand is of MSYS2's compiler, linker and headers, and what else there is: with the agent in the program none of them
// is needed, for a driver that is built by a command of its own (msbuild, with the WDK).
func installCommand(string) string {
	return `winget install MSYS2.MSYS2, then in its shell: pacman -S mingw-w64-x86_64-gcc; or use a wskharness.exe of make build-all, ` +
		"which has the agent in it, and the WDK for a driver of your own (driver: build:)"
}
