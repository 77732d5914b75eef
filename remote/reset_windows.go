package remote

import "golang.org/x/sys/windows"

// errReset is what the system says of a connection that the other side has reset: Windows has a number of its own for it
// ("Windows Sockets Error Codes"), which syscall.ECONNRESET is not.
const errReset = windows.WSAECONNRESET
