package image

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"wskharness/image/wim"
)

// release is a Windows that images are made of, told by the number of its build.
type release struct {
	name   string // "Windows 11 24H2"
	server bool
	build  int // from this one on, up to the next release's
	// drivers are the names that the disc virtio-win.iso has for it, the best first: not each driver has a folder for each.
	drivers []string
	tpm     bool // Microsoft asks for one
}

// releases are in the order of their builds. The numbers are those of Microsoft's release information pages; 25H2 is 24H2 with
// its features turned on, and some of its discs name the older build.
var releases = []release{
	{"Windows 10 1809", false, 17763, []string{"w10"}, false},
	{"Windows 10 2004 to 22H2", false, 19041, []string{"w10"}, false},
	{"Windows 11 21H2", false, 22000, []string{"w11", "w10"}, true},
	{"Windows 11 22H2", false, 22621, []string{"w11", "w10"}, true},
	{"Windows 11 23H2", false, 22631, []string{"w11", "w10"}, true},
	{"Windows 11 24H2", false, 26100, []string{"w11", "w10"}, true},
	{"Windows 11 25H2", false, 26200, []string{"w11", "w10"}, true},
	{"Windows Server 2019", true, 17763, []string{"2k19", "2k16"}, false},
	{"Windows Server 2022", true, 20348, []string{"2k22", "2k19"}, false},
	{"Windows Server 2025", true, 26100, []string{"2k25", "2k22", "2k19"}, false},
}

// newest is the build behind which nothing is known.
const newest = 26200

// releaseOf finds the release that an image is of.
func releaseOf(i wim.Image) (*release, error) {
	var found *release
	server := strings.HasPrefix(i.Installation, "Server")
	if !server && i.Installation != "Client" {
		return nil, fmt.Errorf("%q is no Windows that is installed as it is: its installation type is %q", i.Name, i.Installation)
	}
	for at := range releases {
		if r := &releases[at]; r.server == server && r.build <= i.Build {
			found = r
		}
	}
	if found == nil {
		return nil, fmt.Errorf("%q is of build %d: images are made of Windows 10 1809, Server 2019 and what is newer", i.Name, i.Build)
	}
	return found, nil
}

// choose finds the image that is meant: by its index, its name, its name in setup's list, or its edition.
func choose(images []wim.Image, edition string) (wim.Image, error) {
	if edition == "" {
		if len(images) == 1 {
			return images[0], nil
		}
		return wim.Image{}, fmt.Errorf("the disc has several editions: say which by --edition, as its number, its name or its word\n%s", Table(images))
	}
	if n, err := strconv.Atoi(edition); err == nil {
		if at := slices.IndexFunc(images, func(i wim.Image) bool { return i.Index == n }); at >= 0 {
			return images[at], nil
		}
		return wim.Image{}, fmt.Errorf("the disc has no edition %d, but\n%s", n, Table(images))
	}
	var found []wim.Image
	for _, i := range images {
		if strings.EqualFold(i.Name, edition) || strings.EqualFold(i.DisplayName, edition) {
			return i, nil
		}
		if strings.EqualFold(i.Edition, edition) {
			found = append(found, i)
		}
	}
	switch len(found) {
	case 1:
		return found[0], nil
	case 0:
		return wim.Image{}, fmt.Errorf("the disc has no edition %q, but\n%s", edition, Table(images))
	}
	return wim.Image{}, fmt.Errorf("%q is the word of several editions: say which by its number\n%s", edition, Table(found))
}

// Table is the editions for a person, a line each.
func Table(images []wim.Image) string {
	var b strings.Builder
	for _, i := range images {
		name := i.Name
		if i.DisplayName != "" && i.DisplayName != name {
			name += " (" + i.DisplayName + ")"
		}
		fmt.Fprintf(&b, "  %2d  %q: %s, %s, build %d.%d, %s\n", i.Index, name, i.Edition, i.Architecture, i.Build, i.Revision, i.Language)
	}
	return strings.TrimSuffix(b.String(), "\n")
}
