package disc_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"wskharness/image/disc"
)

func Example() {
	dir, err := os.MkdirTemp("", "example-")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	image, err := disc.Write(filepath.Join(dir, "scratch"), "ANSWERS", map[string][]byte{"folder/a name that is long.txt": []byte("hello")})
	if err != nil {
		fmt.Println(err)
		return
	}
	d, err := disc.Read(bytes.NewReader(image), int64(len(image)))
	if err != nil {
		fmt.Println(err)
		return
	}
	f, err := d.File("FOLDER/A name that is long.txt")
	if err != nil {
		fmt.Println(err)
		return
	}
	text, err := io.ReadAll(f)
	fmt.Println(d.Label, string(text), err)
	// Output: ANSWERS hello <nil>
}
