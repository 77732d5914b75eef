//go:build !linux

package image

import (
	"context"
	"errors"
	"math"
	"runtime"
)

func kvmMissing() error { return errors.New("KVM is Linux's") }

func freeSpace(string) (int64, error) { return math.MaxInt64, nil }

// canInstall says that here an image can be planned, and not made: QEMU could outlive this program.
func canInstall() error {
	return errors.New("images are made on Linux: there QEMU ends with this program, and on " + runtime.GOOS + " it would not; make it there and copy the folder")
}

func (*making) install(context.Context) error { return canInstall() }

func isNotEmpty(error) bool { return true }
