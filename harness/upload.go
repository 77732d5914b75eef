package harness

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"wskharness/guest/transfer"
	"wskharness/settings"
)

// uploadContent is a file that a case uploads, or a folder with all that is in it.
type uploadContent struct {
	sum   string // SHA-256 of the file; of a folder, over the paths and hashes of all that is in it
	files []uploadFile
	empty []string // folders with nothing in them, by their paths from the upload, with backslashes
}

type uploadFile struct {
	local string
	below string // its path from the upload, beginning with a backslash; empty: it is the upload
	sum   string
}

// uploadRoot stands for the place of an upload in the guest, which depends on what is in it.
const uploadRoot = `C:\u`

// uploadTree looks at what is to be uploaded, and finds all that a guest can't have.
func uploadTree(local string) (*transfer.Tree, error) {
	if _, err := os.Stat(local); err != nil {
		return nil, fmt.Errorf("there is no file or folder %s", settings.DisplayPath(local))
	}
	tree := &transfer.Tree{}
	if err := tree.Add(local, uploadRoot); err != nil {
		return nil, err
	}
	var wrong []error
	for _, what := range tree.Skipped {
		wrong = append(wrong, fmt.Errorf("%s, which a guest can't be given", what))
	}
	return tree, errors.Join(errors.Join(wrong...), tree.Check())
}

// readUpload reads all of it, once.
func readUpload(local string) (*uploadContent, error) {
	tree, err := uploadTree(local)
	if err != nil {
		return nil, err
	}
	c := &uploadContent{}
	for _, f := range tree.Files {
		sum, err := fileSHA256(f.Local)
		if err != nil {
			return nil, err
		}
		c.files = append(c.files, uploadFile{f.Local, strings.TrimPrefix(f.Path, uploadRoot), sum})
	}
	if len(c.files) == 1 && c.files[0].below == "" {
		c.sum = c.files[0].sum
		return c, nil
	}
	all := sha256.New()
	for _, f := range c.files {
		fmt.Fprintf(all, "%q %s\n", f.below, f.sum)
	}
	for _, folder := range tree.Folders {
		if below := strings.TrimPrefix(strings.TrimPrefix(folder, uploadRoot), `\`); below != "" {
			c.empty = append(c.empty, below)
		}
	}
	slices.Sort(c.empty)
	fmt.Fprintf(all, "%q", c.empty)
	if len(c.files) == 0 && len(c.empty) == 0 {
		return nil, fmt.Errorf("the folder %s is empty", settings.DisplayPath(local))
	}
	c.sum = hex.EncodeToString(all.Sum(nil))
	return c, nil
}
