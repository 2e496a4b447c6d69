package tts_test

import (
	"testing"

	"ttsui/internal/tts"
)

func TestDownloadTexts(t *testing.T) {
	for _, c := range []struct {
		done, total int64
		amount      string
		percent     int
	}{
		{0, 0, "0 of 0 B", 0},
		{12, 999, "12 of 999 B", 1},
		{12_345, 99_999, "12 of 100 kB", 12},
		{700_000, 900_000_000, "1 of 900 MB", 0},
		{1_249_999_999, 2_500_000_000, "1.2 of 2.5 GB", 49},
		{4_500_000_000, 4_500_000_000, "4.5 of 4.5 GB", 100},
	} {
		d := tts.Download{BytesDone: c.done, BytesTotal: c.total}
		if d.Amount() != c.amount || d.Percent() != c.percent {
			t.Errorf("%d of %d is %q, %d %%", c.done, c.total, d.Amount(), d.Percent())
		}
	}
}
