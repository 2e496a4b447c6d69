package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"ttsui/internal/tts"
)

// Jobs lists the generations of all clients.
func (c *Client) Jobs(ctx context.Context) ([]tts.Job, error) {
	answer, err := ask[struct {
		Jobs []tts.Job `json:"jobs"`
	}](ctx, c, http.MethodGet, "/jobs", nil)
	return answer.Jobs, err
}

// Job gives one generation's record.
func (c *Client) Job(ctx context.Context, id string) (tts.Job, error) {
	return ask[tts.Job](ctx, c, http.MethodGet, jobPath(id), nil)
}

// CancelJob stops a generation and returns its record when it has ended.
func (c *Client) CancelJob(ctx context.Context, id string) (tts.Job, error) {
	return ask[tts.Job](ctx, c, http.MethodDelete, jobPath(id), nil)
}

// WatchJob calls see with the job's record and again whenever it has changed, until the job or ctx ends. A connection
// that breaks is made again.
func (c *Client) WatchJob(ctx context.Context, id string, see func(tts.Job)) error {
	return c.follow(ctx, jobPath(id)+"/events", "", func(e event) (bool, error) {
		var job tts.Job
		if err := json.Unmarshal([]byte(e.data), &job); err != nil {
			return false, c.strange("a job's event can't be read: %v", err)
		}
		see(job)
		return job.State.Ended(), nil
	}, func(error) {})
}

func jobPath(id string) string { return "/jobs/" + url.PathEscape(id) }
