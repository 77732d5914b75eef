package settings

import (
	"os"
	"path/filepath"
)

// wanted is what is expected in the place of a path that depends on the drive, or the folder on a drive, that somebody is in; else
// empty. Between folders / is as good as \.
func wanted(path string) string {
	rooted := os.IsPathSeparator(path[0])
	if !filepath.IsAbs(path) && (rooted || filepath.VolumeName(path) != "") {
		return `a path with its drive, as C:\lab\x, or one from this file's folder on`
	}
	return ""
}
