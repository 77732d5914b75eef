package driver

import (
	"embed"
	"io/fs"
)

//go:embed sample agent model shared include
var embedded embed.FS

// Sources returns the embedded C sources: the folders sample, agent, model, shared and include, as they are in the
// repository.
func Sources() fs.FS { return embedded }
