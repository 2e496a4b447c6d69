package qwen3tts

import (
	"testing"

	"ttsui/internal/testkit"
	mlx "ttsui/mlxbridge"
)

// Besides the weights there is room to speak in: for what the steps of a generation were measured to take, and for the
// talker's cache of a minute, 112 KiB a position in the released models.
func TestForecastHasRoomToSpeak(t *testing.T) {
	_, room, err := NewLoader(testkit.Thread(t), DTypes{}).Forecast(testkit.Golden("checkpoints", "custom_voice"))
	if err != nil || room < 336<<20 {
		t.Errorf("room of %d bytes, %v; a prompt alone or a reference takes 336 MiB", room, err)
	}
	const minute = 750 * 112 << 10
	c := defaultConfig()
	wider := c.working(mlx.Float32) - c.working(mlx.BFloat16) // once more the cache in 16 bits
	if wider < minute || wider > 2*minute {
		t.Errorf("room for a cache of %d bytes, a minute's is %d", wider, minute)
	}
}
