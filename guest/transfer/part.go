package transfer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"path/filepath"
	"regexp"
	"unicode/utf16"
)

// partSuffix is the end of the name of a file that is not complete, on both ends.
const partSuffix = ".part"

// partName is what the file of this name is called while it is on its way, in the same folder. Whoever goes on with it finds
// it by that, also another process on another day. It is as long for every file, so that it fits wherever a name does. The agent
// has the same rule (driver/agent/transfer/part.h).
func partName(name string) string {
	var units []byte
	for _, unit := range utf16.Encode([]rune(name)) {
		units = binary.LittleEndian.AppendUint16(units, unit)
	}
	sum := sha256.Sum256(units)
	return ".wskharness-" + hex.EncodeToString(sum[:16]) + partSuffix
}

// partPlace is that of a place on this host.
func partPlace(place string) string {
	return filepath.Join(filepath.Dir(place), partName(filepath.Base(place)))
}

// parts are the names that no file has to be transferred under: they are those of files on their way, and of their maps.
var parts = regexp.MustCompile(`(?i)^\.wskharness-[0-9a-f]{32}\.part(\.map)?$`)

var errIsPart = errors.New("its name is kept for files on their way; it may be what an interrupted transfer has left")
