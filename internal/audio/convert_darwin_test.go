package audio

import (
	"context"
	"testing"
)

func TestAfconvert(t *testing.T) {
	for _, name := range []string{"testdata/aac.m4a", "testdata/mpeg25.mp3"} {
		got, err := ReadReference(context.Background(), name)
		if whole := len(testTone()); err != nil || len(got) < whole*9/10 || len(got) > whole*2 {
			t.Errorf("%s: %d samples of about %d, %v", name, len(got), whole, err)
		}
	}
}
