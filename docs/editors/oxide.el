;;; oxide.el --- Oxide in Emacs, with Eglot  -*- lexical-binding: t -*-

;; Emacs 29 has Eglot, Emacs 28 takes it from ELPA.  Put this file into `load-path', and
;;
;;   (require 'oxide)
;;   (add-hook 'python-mode-hook #'eglot-ensure)
;;
;; Eglot runs one server in a buffer: Oxide's is used where a buffer mentions kernels.
;; `M-x oxide-ptx' shows the code of the kernel at point beside it; it follows edits, and points of
;; both buffers mark each other's lines.

;;; Code:

(require 'cl-lib)
(require 'eglot)

(defgroup oxide nil "GPU kernels that are proved." :group 'tools)

(defcustom oxide-command '("oxide-lsp")
  "The program that is the language server, and its arguments."
  :type '(repeat string))

(defcustom oxide-settings '(:ptxTarget "sm_80")
  "What the server is told of its user's wishes."
  :type 'plist)

(defvar oxide--views nil "What is shown: lists of document, buffer, source buffer, lines.")

(defclass oxide-server (eglot-lsp-server) ()
  :documentation "Oxide's language server.")

(cl-defmethod eglot-initialization-options ((_ oxide-server))
  "Tell the server the settings."
  oxide-settings)

(cl-defmethod eglot-handle-notification
  ((server oxide-server) (_ (eql oxide/ptxChanged)) &key uri &allow-other-keys)
  "Ask for a document that has changed."
  (jsonrpc-async-request server :oxide/ptx (list :uri uri)
                         :success-fn (lambda (answer) (when answer (oxide--take answer)))))

(defun oxide--wanted-p ()
  "Whether the buffer mentions kernels."
  (save-excursion
    (goto-char (point-min))
    (re-search-forward "\\_<\\(oxide\\|numba\\|cupyx\\)\\_>" nil t)))

(defun oxide--contact (&optional _interactive)
  "How the server of this buffer is started: Oxide's, or else pylsp."
  (if (oxide--wanted-p) (cons 'oxide-server oxide-command) '("pylsp")))

(add-to-list 'eglot-server-programs '(python-mode . oxide--contact))
(when (fboundp 'python-ts-mode)
  (add-to-list 'eglot-server-programs '(python-ts-mode . oxide--contact)))

;;;###autoload
(defun oxide-ptx (&optional target)
  "Show the compiled code of the kernel at point; with a prefix for the architecture TARGET."
  (interactive (when current-prefix-arg (list (read-string "Architecture: " "sm_90"))))
  (let* ((source (current-buffer))
         (place (list :textDocument (eglot--TextDocumentIdentifier)
                      :position (list :line (1- (line-number-at-pos)) :character 0)))
         (answer (jsonrpc-request (eglot--current-server-or-lose) :oxide/ptx
                                  (if target (append place (list :target target)) place)
                                  :timeout 20)))
    (unless answer (user-error "There is no kernel here"))
    (let ((buffer (get-buffer-create (format "*PTX %s*" (plist-get answer :kernel)))))
      (setf (alist-get (plist-get answer :uri) oxide--views nil nil #'equal)
            (list buffer source nil))
      (oxide--take answer)
      (dolist (each (list source buffer))
        (with-current-buffer each (add-hook 'post-command-hook #'oxide--follow nil t)))
      (display-buffer buffer)
      (oxide--follow)
      buffer)))

(defun oxide--take (answer)
  "Show an ANSWER of the server's."
  (pcase (alist-get (plist-get answer :uri) oxide--views nil nil #'equal)
    (`(,(and buffer (pred buffer-live-p)) ,_ . ,rest)
     (setcar rest (plist-get answer :lines))
     (with-current-buffer buffer
       (let ((inhibit-read-only t) (here (line-number-at-pos)))
         (erase-buffer)
         (insert (plist-get answer :text))
         (goto-char (point-min))
         (forward-line (1- here)))
       (unless (derived-mode-p 'special-mode) (special-mode))))))

(defun oxide--follow ()
  "Mark what belongs to the line at point in the other buffer."
  (let ((here (1- (line-number-at-pos))))
    (pcase-dolist (`(,_ ,buffer ,source ,lines) oxide--views)
      (when (and (buffer-live-p buffer) (buffer-live-p source))
        (cond ((eq (current-buffer) source)
               (oxide--mark buffer (cl-loop for line across lines for number from 0
                                            when (eql line here) collect number)))
              ((and (eq (current-buffer) buffer) (< here (length lines)))
               (let ((line (aref lines here)))
                 (oxide--mark source (when (integerp line) (list line))))))))))

(defun oxide--mark (buffer lines)
  "Mark LINES, from 0, of BUFFER, and bring the first into view."
  (with-current-buffer buffer
    (remove-overlays (point-min) (point-max) 'oxide t)
    (save-excursion
      (dolist (line lines)
        (goto-char (point-min))
        (forward-line line)
        (let ((overlay (make-overlay (point) (line-beginning-position 2))))
          (overlay-put overlay 'oxide t)
          (overlay-put overlay 'face 'highlight))))
    (when-let ((window (get-buffer-window buffer t)) (first (car lines)))
      (goto-char (point-min))
      (forward-line first)
      (set-window-point window (point)))))

(provide 'oxide)
;;; oxide.el ends here
