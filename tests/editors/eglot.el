;;; eglot.el --- Oxide in Emacs, by the set-up that docs/editors.md describes  -*- lexical-binding: t -*-

;; emacs --batch -l tests/editors/eglot.el
;;
;; OXIDE_PYTHON is the interpreter of the server, KERNEL a copy of a kernel with a race.

(require 'package)
(package-initialize)
(setq eglot-sync-connect 20 eglot-connect-timeout 30 eglot-autoshutdown t eglot-send-changes-idle-time 0.1)
(setq load-prefer-newer t)
(add-to-list 'load-path (expand-file-name "../../docs/editors" (file-name-directory load-file-name)))
(require 'oxide)
(require 'flymake)

(setq oxide-command (list (getenv "OXIDE_PYTHON") "-P" "-m" "oxide_lsp"))
(defvar start (float-time))

(defun check (text holds &optional seconds)
  "Say whether HOLDS becomes true within SECONDS; end if not."
  (let ((end (+ (float-time) (or seconds 20))) (found nil))
    (while (and (not (setq found (funcall holds))) (< (float-time) end))
      (accept-process-output nil 0.05))
    (princ (format "  %s  %s (%.1f s)\n" (if found "ok  " "FAIL") text (- (float-time) start)))
    (unless found
      (princ (format "%S\n" (mapcar #'flymake-diagnostic-text (flymake-diagnostics))))
      (kill-emacs 1))
    found))

(defun findings ()
  "Errors and warnings of the buffer."
  (flymake-start)
  (seq-filter (lambda (one) (memq (flymake-diagnostic-type one) '(eglot-error eglot-warning)))
              (flymake-diagnostics)))

(defun said (text)
  "Whether the buffer says TEXT."
  (save-excursion (goto-char (point-min)) (search-forward text nil t)))

(find-file (getenv "KERNEL"))
(python-mode)
(apply #'eglot (eglot--guess-contact))
(flymake-mode 1)
(check "a race is found"
       (lambda () (and (= 1 (length (findings)))
                       (string-match-p "OX104" (flymake-diagnostic-text (car (findings)))))))

(goto-char (point-min))
(search-forward "def block_s")
(check "hover says the verdict"
       (lambda ()
         (let ((hover (jsonrpc-request (eglot--current-server-or-lose) :textDocument/hover
                                       (eglot--TextDocumentPositionParams))))
           (string-match-p "violated" (plist-get (plist-get hover :contents) :value)))))

(let* ((race (car (findings)))
       (place (list :start (eglot--pos-to-lsp-position (flymake-diagnostic-beg race))
                    :end (eglot--pos-to-lsp-position (flymake-diagnostic-end race))))
       (fixes (jsonrpc-request (eglot--current-server-or-lose) :textDocument/codeAction
                               (list :textDocument (eglot--TextDocumentIdentifier) :range place
                                     :context (list :diagnostics [] :only ["quickfix"]))))
       (repair (seq-find (lambda (action) (string-match-p "sync_threads" (plist-get action :title))) fixes)))
  (check "there is a fix" (lambda () (plist-get repair :edit)) 0)
  (eglot--apply-workspace-edit (plist-get repair :edit)))
(eglot--signal-textDocument/didChange)
(check "the fix repairs it" (lambda () (null (findings))))

(defvar source (current-buffer))
(goto-char (point-min))
(search-forward "out[block.x]")
(defvar compiled (oxide-ptx "sm_90"))
(check "its code is beside it"
       (lambda () (with-current-buffer compiled (and (said "bar.sync") (said "for sm_90")))) 0)
(check "the line at point is marked there"
       (lambda ()
         (with-current-buffer compiled
           (seq-some (lambda (overlay)
                       (and (overlay-get overlay 'oxide)
                            (string-match-p "st.global" (buffer-substring (overlay-start overlay)
                                                                          (overlay-end overlay)))))
                     (overlays-in (point-min) (point-max)))))
       0)
(end-of-line)
(insert " * 7.0")
(eglot--signal-textDocument/didChange)
(check "the code follows an edit"
       (lambda () (with-current-buffer compiled (or (said "mul.f32") (said "mul.rn.f32")))))
(with-current-buffer source
  (set-buffer-modified-p nil)
  (eglot-shutdown (eglot--current-server-or-lose)))
(check "the server ends" (lambda () (null (eglot-current-server))) 5)
