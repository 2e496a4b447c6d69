package main

import (
	_ "embed"
	"runtime"
)

//go:embed mlxaudio.py
var mlxAudioScript string

// mlxAudio is mlx-audio on the release of MLX that we link.
func mlxAudio() program {
	const version, mlxVersion = "0.6.2", "0.32.4"
	mlx := "mlx==" + mlxVersion
	if runtime.GOOS == "linux" {
		mlx = "mlx[cpu]==" + mlxVersion
	}
	return program{
		name: "mlx-audio " + version, flag: "mlx-audio",
		packages: []string{"mlx-audio==" + version, mlx},
		script:   mlxAudioScript, quantized: true,
	}
}
