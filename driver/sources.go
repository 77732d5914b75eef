package driver

import (
	"embed"
	"io/fs"
)

//go:embed kernel sample probe agent model shared include
var embedded embed.FS

// Sources returns the embedded C sources: the folders kernel, sample, probe, agent, model, shared and include, as they
// are in the repository.
func Sources() fs.FS { return embedded }
