package orgusers

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ExportCSVFile writes the organization's users to a file, as
// [Client.ExportCSV] does, complete and readable by its user alone (mode
// 0600), or not at all: it writes beside the target and renames at the end.
// After any error a file that was there before is as it was, and nothing else
// is left behind; a process that is killed leaves what it wrote by then, with a
// name that starts with a dot and ends in .tmp. A target that is no regular
// file, such as a terminal or a directory, is [ErrInvalid]. It sends what
// [Client.ExportCSV] sends.
func (c *Client) ExportCSVFile(ctx context.Context, path string, opts *ExportOptions) (*ExportSummary, error) {
	target, err := exportTarget(path)
	if err != nil {
		return &ExportSummary{}, failedIn("ExportCSVFile", err)
	}
	// Before anything is read, so that a directory that cannot be written
	// costs no request.
	file, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*.tmp")
	if err != nil {
		if failure, ok := errors.AsType[*fs.PathError](err); ok {
			err = failure.Err // its path is the temporary file's
		}
		return &ExportSummary{}, failedIn("ExportCSVFile", fmt.Errorf("no file can be made in the directory of %s: %w", path, err))
	}
	done := false
	defer func() {
		if !done { // also when a function of the caller's panics
			_ = file.Close()
			_ = os.Remove(file.Name())
		}
	}()
	summary, err := c.ExportCSV(ctx, file, opts)
	if err != nil {
		return summary, err
	}
	if err := errors.Join(file.Sync(), file.Close()); err != nil {
		return summary, failedIn("ExportCSVFile", err)
	}
	if err := os.Rename(file.Name(), target); err != nil {
		return summary, failedIn("ExportCSVFile", err)
	}
	done = true
	return summary, nil
}

// exportTarget follows a link, so that the link stays one.
func exportTarget(path string) (string, error) {
	if path == "" {
		return "", fmt.Errorf("%w: the path is empty", ErrInvalid)
	}
	target, err := filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(path); err == nil {
			return "", fmt.Errorf("%w: %s is a link that leads nowhere", ErrInvalid, path)
		}
		return path, nil
	}
	if err != nil {
		return "", err
	}
	info, err := os.Stat(target)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fmt.Errorf("%w: %s is no regular file", ErrInvalid, path)
	}
	return target, nil
}
