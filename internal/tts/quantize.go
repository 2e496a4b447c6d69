package tts

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// PhaseQuantizing is what a model is at that is being made: it is Loading, its Download tells how much of it is written.
const PhaseQuantizing Phase = "quantizing"

// LocalOrg begins the ids of models that this machine made or the user brought. No hub is asked for them.
const LocalOrg = "local"

// IsLocal reports whether an id is of that kind.
func IsLocal(modelID string) bool { return strings.HasPrefix(modelID, LocalOrg+"/") }

// Quantization says how the weights of a model are made smaller: in groups that share a scale and an offset. Kept as
// they are embeddings, norms, the speaker encoder and the codec.
type Quantization struct {
	Bits      int  `json:"bits"`                 // of a weight: 4, 6 or 8
	GroupSize int  `json:"group_size,omitempty"` // 32, 64 or 128 weights; 64 when 0
	Mixed     bool `json:"mixed,omitempty"`      // two bits more for the weights that suffer most
	Heads     bool `json:"heads,omitempty"`      // the output heads too, as mlx-audio's converter does it
}

const defaultGroupSize = 64

// Complete fills in the defaults and refuses what there is not.
func (q Quantization) Complete() (Quantization, error) {
	if q.GroupSize == 0 {
		q.GroupSize = defaultGroupSize
	}
	switch {
	case !slices.Contains([]int{4, 6, 8}, q.Bits):
		return q, Errorf(CodeInvalid, "Use 4, 6 or 8.", "weights of %d bits can't be made", q.Bits)
	case !slices.Contains([]int{32, 64, 128}, q.GroupSize):
		return q, Errorf(CodeInvalid, "Use 32, 64 or 128.", "groups of %d weights can't be made", q.GroupSize)
	case q.Mixed && q.Bits == 8:
		return q, Errorf(CodeInvalid, "Leave mixed out, or use 4 or 6 bits.", "there is nothing above 8 bits to mix in")
	}
	return q, nil
}

// CopyID is the id of the copy of a model that is made so: "local/Qwen3-TTS-12Hz-0.6B-Base-4bit".
func (q Quantization) CopyID(modelID string) string {
	name := fmt.Sprintf("%s-%dbit", stem(modelID), q.Bits)
	if q.GroupSize != 0 && q.GroupSize != defaultGroupSize {
		name += fmt.Sprintf("-g%d", q.GroupSize)
	}
	if q.Mixed {
		name += "-mixed"
	}
	if q.Heads {
		name += "-heads"
	}
	return LocalOrg + "/" + name
}

// QuantizePlan is what a quantised copy of a model will be.
type QuantizePlan struct {
	ModelID          string  `json:"model_id"`           // of the copy
	Bytes            int64   `json:"bytes"`              // that it takes on the disk
	FreeBytes        int64   `json:"free_bytes"`         // that the disk has
	OriginalBytes    int64   `json:"original_bytes"`     // of the model that it is made of
	MemoryMB         float64 `json:"memory_mb"`          // that it needs when it is loaded, in MiB
	OriginalMemoryMB float64 `json:"original_memory_mb"` // that the model needs which it is made of
}

// Quantizer makes smaller copies of models.
type Quantizer interface {
	// PlanQuantized tells what Quantize would make, and makes nothing.
	PlanQuantized(ctx context.Context, modelID string, how Quantization) (QuantizePlan, error)

	// Quantize makes a copy of a model on this machine, and returns the copy's record once it is there, Unloaded, or has
	// failed. Meanwhile the copy is Loading, at PhaseQuantizing; an Unload of it stops the work, which is an error of
	// CodeCanceled and leaves nothing. The end of ctx ends the waiting, not the work.
	Quantize(ctx context.Context, modelID string, how Quantization) (ModelInfo, error)
}
