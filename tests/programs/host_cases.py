"""Host programs that change what they launch with, in ways that a rash reader misses.

Each is run by the stand-in for Numba of `host_code.py` behind its `HEAD`.
"""

A = "x = np.zeros(1000)\ny = np.empty_like(x)\n"
CASES: dict[str, str] = {
    "loop_if": A
    + """\
for item in (w for w in range(3)):
    if item != 1: g = 16
    else: g = 4
    k[g, 64](x, y)
k[g, 64](x, y)
""",
    "loop_if2": A
    + """\
g = 1
for item in [c for c in "abc"]:
    if item == "c": g = 4
    elif item == "b": g = 16
k[g, 64](x, y)
""",
    "try_mid": A
    + """\
g = 1
try:
    g = 16
    risky()
    g = 4
except OSError:
    pass
k[g, 64](x, y)
""",
    "with_suppress": A
    + """\
g = 1
with contextlib.suppress(OSError):
    g = 16
    risky()
    g = 4
k[g, 64](x, y)
""",
    "try_finally": A
    + """\
def f():
    g = 1
    try:
        g = 16
        risky()
    except OSError:
        g = 2
        return
    finally:
        k[g, 64](x, y)
f()
""",
    "global": A
    + """\
g = 16
def shrink():
    global g
    g = 4
shrink()
k[g, 64](x, y)
""",
    "global_run": A
    + """\
g = 16
def go():
    k[g, 64](x, y)
def shrink():
    global g
    g = 4
shrink()
go()
""",
    "nonlocal": A
    + """\
def main():
    g = 16
    def shrink():
        nonlocal g
        g = 4
    shrink()
    k[g, 64](x, y)
main()
""",
    "nonlocal_param": A
    + """\
def main(g):
    def shrink():
        nonlocal g
        g = 4
    shrink()
    k[g, 64](x, y, g)
main(9)
""",
    "walrus": A
    + """\
g = 16
if (g := 4) > 2:
    k[g, 64](x, y)
""",
    "walrus_compr": A
    + """\
g = 16
z = [g := v for v in (1, 2, 4)]
k[g, 64](x, y)
""",
    "match_capture": A
    + """\
g = 16
match rnd():
    case 100: pass
    case g: pass
k[g, 64](x, y)
""",
    "match_fall": A
    + """\
g = 16
match rnd():
    case 100: g = 3
    case 101: g = 4
k[g, 64](x, y)
""",
    "except_as": A
    + """\
g = 16
try:
    risky()
except OSError as e:
    g = 4
k[g, 64](x, y)
""",
    "aug_sub": A
    + """\
g = [16]
g[0] += 4
k[g[0], 64](x, y)
""",
    "alias_list": A
    + """\
g = [16]
h = g
h[0] = 4
k[g[0], 64](x, y)
""",
    "alias_list_fn": A
    + """\
g = [16]
def change(h): h[0] = 4
change(g)
k[g[0], 64](x, y)
""",
    "alias_list_append": A
    + """\
g = [16]
h = g
h += [4]
k[g[-1], 64](x, y)
""",
    "nested_list": A
    + """\
g = [[16], [64]]
g[0][0] = 4
k[g[0][0], g[1][0]](x, y)
""",
    "dict_change": A
    + """\
g = {'grid': 16}
g['grid'] = 4
k[g['grid'], 64](x, y)
""",
    "dict_update": A
    + """\
g = {'grid': 16}
h = g
h.update(grid=4)
k[g['grid'], 64](x, y)
""",
    "dict_unpack_loop": A
    + """\
for g['b'] in (1,) if (g := {'b': 2}) else (): pass
k[g['b'], 64](x, y)
""",
    "helper_twice": """\
def make(n):
    return np.zeros(n * rnd())
def run():
    a = make(1)
    b = make(2)
    k[3, 64](a, b)
run()
""",
    "helper_twice2": """\
def pad(v):
    return v.copy()
def run():
    a = pad(load())
    b = pad(load())
    k[3, 64](a, b)
run()
""",
    "dict_get": """\
def run(data):
    a = data.get("a")
    b = data.get("b")
    k[3, 64](a, b)
run({"a": np.zeros(3), "b": np.zeros(4)})
""",
    "slice_changed": """\
def run(x, n):
    a = x[:n]
    n = n // 2
    b = x[:n]
    k[3, 64](a, b)
run(np.zeros(100), 10)
""",
    "slice_2d": """\
def run(n):
    x = np.zeros((10, 10))
    a = x[:n]
    n = n // 2
    b = x[:n]
    k[3, 64](a[:, 0], b[:, 0], n)
run(10)
""",
    "slice_known": """\
x = np.zeros(100)
for n in (10, 20):
    a = x[:n]
n = 5
b = x[:n]
k[3, 64](a, b)
""",
    "attr_grow": """\
class Sim:
    def __init__(self):
        self.cap = 0
        self.update(20)
    def update(self, n):
        self.n = n
        if n > self.cap:
            self.a = np.zeros(n)
            self.cap = n
    def run(self):
        k[3, 64](self.a, self.a.copy(), self.n)
s = Sim()
s.run()
s.update(10)
s.run()
""",
    "attr_sub": """\
class A:
    def __init__(self): self.n = 16
    def run(self): k[self.n, 64](load(), load())
class B(A):
    def __init__(self): self.n = 32
A().run()
B().run()
""",
    "attr_sub_class": """\
class A:
    n = 16
    def run(self): k[self.n, 64](load(), load())
class B(A):
    n = 32
B().run()
""",
    "setattr": """\
class A:
    def __init__(self, **kw):
        self.n = 16
        for key, value in kw.items(): setattr(self, key, value)
    def run(self): k[self.n, 64](load(), load())
A(n=3).run()
""",
    "attr_for": """\
class A:
    def __init__(self):
        self.n = 16
        for self.n in range(5): pass
    def run(self): k[self.n, 64](load(), load())
A().run()
""",
    "attr_list": """\
class A:
    def __init__(self):
        self.n = [16]
    def more(self): self.n[0] = 5
    def run(self): k[self.n[0], 64](load(), load())
a = A(); a.more(); a.run()
""",
    "attr_list2": """\
class A:
    def __init__(self):
        self.n = [16]
    def more(self): self.n.append(5)
    def run(self): k[self.n[-1], 64](load(), load())
a = A(); a.more(); a.run()
""",
    "attr_which": """\
class A:
    def put(self, v, first):
        if first: self.a = v
        else: self.b = v
    def run(self): k[5, 64](self.a, self.b)
a = A(); a.put(load(), True); a.put(load(), False); a.run()
""",
    "attr_nested_target": """\
class A:
    def __init__(self):
        self.n = 16
        (a, (self.n, b)) = 1, (2, 3)
    def run(self): k[self.n, 64](load(), load())
A().run()
""",
    "attr_other": """\
class A:
    def __init__(self, n):
        self.n = n
        self.a = np.zeros(n)
    def swap(self, other):
        k[5, 64](self.a, other.a, other.n)
A(5).swap(A(7))
""",
    "attr_two": """\
class A:
    def __init__(self, n):
        self.a = np.zeros(n)
def main():
    p = A(5)
    q = A(7)
    k[5, 64](p.a, q.a)
main()
""",
    "attr_two_self": """\
class A:
    def __init__(self, n):
        self.n = n
class B:
    def __init__(self):
        self.p = A(5)
        self.q = A(7)
    def run(self):
        k[self.p.n, 64](np.zeros(self.p.n), np.zeros(self.q.n))
B().run()
""",
    "instance_fresh": """\
class A:
    def __init__(self):
        self.a = np.zeros(rnd())
def main():
    p, q = A(), A()
    k[5, 64](p.a, q.a)
main()
""",
    "prev_cur": """\
prev = None
for i in range(rnd() + 3):
    cur = load()
    if prev is not None:
        k[2, 64](prev, cur)
    prev = cur
""",
    "prev_cur2": """\
prev = np.zeros(rnd())
i = 0
while i < 4:
    cur = np.zeros(rnd())
    k[2, 64](prev, cur)
    prev = cur
    i += 1
""",
    "count_up": A
    + """\
g = 1
while g < 10:
    k[g, 64](x, y)
    g *= 2
k[g, 64](x, y)
""",
    "break_val": A
    + """\
g = 1
for g in range(10):
    if g == 3: break
k[g, 64](x, y)
""",
    "break_val2": A
    + """\
for g in (1, 2, 4):
    if rnd() > 2: break
k[g, 64](x, y)
""",
    "continue_val": A
    + """\
g = 1
for i in (1, 2, 4):
    if flag(): continue
    g = i
k[g, 64](x, y)
""",
    "break_else": A
    + """\
g = 1
for i in (1, 2, 4):
    g = i
    if i == 2:
        break
    k[g, 64](x, y)
else:
    g = 9
k[g, 64](x, y)
""",
    "while_break": A
    + """\
g = 1
while True:
    g = 5
    if flag(): break
    g = 6
k[g, 64](x, y)
""",
    "return_in_loop": A
    + """\
def pick():
    for i in range(5):
        if i == 3: return i
    return 9
k[pick(), 64](x, y)
""",
    "gen_fn": A
    + """\
def sizes():
    yield 4
    yield 8
    return 16
for s in sizes():
    k[s, 64](x, y)
""",
    "implicit_none": A
    + """\
def pick(c):
    if c: return 9
r = pick(flag())
k[r or 3, 64](x, y)
""",
    "resize": """\
x = np.zeros(10)
x.resize(20, refcheck=False)
k[1, 64](x, np.zeros(10))
""",
    "shape_set": """\
x = np.zeros((10, 10))
x.shape = (100,)
k[1, 64](x, np.zeros(10))
""",
    "del_": A
    + """\
g = 4
def f():
    return g
del g
g = 7
k[f(), 64](x, y)
""",
    "default_captured": A
    + """\
g = 4
def f(b=g):
    return b
g = 7
k[f(), 64](x, y)
""",
    "default_mutable": A
    + """\
def f(b=[4]):
    b[0] += 1
    return b[0]
f()
k[f(), 64](x, y)
""",
    "late_closure": A
    + """\
def main():
    g = 4
    f = lambda: k[g, 64](x, y)
    g = 7
    f()
main()
""",
    "late_closure_def": A
    + """\
def main():
    g = 4
    def f(): k[g, 64](x, y)
    g = 7
    f()
main()
""",
    "redefined_fn": A
    + """\
def f(): return 4
g = f()
def f(): return 5
k[f(), 64](x, y)
k[g, 64](x, y)
""",
    "cond_fn": A
    + """\
if flag():
    def f(): return 4
else:
    def f(): return 5
k[f(), 64](x, y)
""",
    "monkey": A
    + """\
def f(): return 4
def h(): return 7
f = h
k[f(), 64](x, y)
""",
    "monkey_attr": A
    + """\
class C:
    def size(self): return 4
C.size = lambda self: 9
k[C().size(), 64](x, y)
""",
    "property": A
    + """\
class C:
    @property
    def size(self): return 4
    @staticmethod
    def other(n): return n
    @classmethod
    def third(cls, n): return n + 1
k[C().size, 64](x, y)
k[C.other(3), 64](x, y)
k[C().third(3), 64](x, y)
""",
    "decorated_fn": A
    + """\
def twice(f):
    return lambda *a: 2 * f(*a)
@twice
def size(): return 4
k[size(), 64](x, y)
""",
    "own_zeros": """\
def zeros(n): return np.zeros(n + 1)
k[1, 64](zeros(4), np.zeros(5))
""",
    "own_lambda": """\
zeros = lambda n: np.zeros(n + 1)
k[1, 64](zeros(4), np.zeros(5))
""",
    "own_len": A
    + """\
def len(x): return 3
k[len(x), 64](x, y)
""",
    "own_min": A
    + """\
min = lambda a, b: a + b
k[min(2, 3), 64](x, y)
""",
    "method_copy": """\
class V:
    def copy(self): return np.zeros(3)
def run(v):
    k[1, 64](v.a, v.copy())
v = V(); v.a = np.zeros(5)
run(v)
""",
    "arange_neg": """\
n = 3
k[1, 64](np.arange(n, 1), np.zeros(5))
def run(lo, hi):
    k[1, 64](np.arange(lo, hi), np.zeros(hi), lo)
run(7, 3)
""",
    "arange_step": """\
def run(lo, hi):
    k[1, 64](np.arange(0, hi, 2), np.zeros(hi), lo)
run(7, 3)
""",
    "arange_float": """\
k[1, 64](np.arange(2.5), np.zeros(5))
""",
    "int_neg_div": A
    + """\
def run(a, b):
    k[int((a - b) / 2) + 5, 64](x, y, a)
run(3, 8)
""",
    "floor_div": A
    + """\
def run(a, b):
    k[(a - b) // 2 + 9, 64](x, y, a)
run(3, 8)
""",
    "ceil_neg": A
    + """\
def run(a, b):
    k[math.ceil((a - b) / 4) + 5, 64](x, y, a)
    k[-(-(a - b) // 4) + 5, 64](x, y, a)
run(3, 8)
""",
    "round": A
    + """\
def run(a, b):
    k[round(a / b) + 1, 64](x, y, a)
    k[round(7 / 2), 64](x, y, a)
    k[int(7 / 2), 64](x, y, a)
    k[int(-7 / 2) + 9, 64](x, y, a)
run(7, 2)
""",
    "divmod": A
    + """\
q, r = divmod(1000, 64)
k[q + (r > 0), 64](x, y)
""",
    "bool_add": A
    + """\
k[15 + flag(), 64](x, y)
""",
    "float_mul": A
    + """\
n = 1000
k[int(n * 0.5), 64](x, y)
k[int(n / 3), 64](x, y)
k[int(1e2), 64](x, y)
""",
    "pow": A
    + """\
k[2 ** 3, 64](x, y)
k[1 << 3, 64](x, y)
""",
    "np_mod": A
    + """\
k[7 % 4, 64](x, y)
k[-7 % 4, 64](x, y)
k[-7 // 4 + 3, 64](x, y)
""",
    "unpack_star": A
    + """\
first, *rest = (1, 2, 3)
k[rest[0], 64](x, y)
k[first, 64](x, y)
""",
    "swap": A
    + """\
p, q = 1, 2
p, q = q, p
k[p, 64](x, y)
k[q, 64](x, y)
""",
    "chain": A
    + """\
p = q = [3]
p[0] = 5
k[q[0], 64](x, y)
""",
    "zip_rounds": """\
for n, m in zip([4, 5], [6, 7]):
    k[n, 64](np.zeros(n), np.zeros(m))
""",
    "dict_items": A
    + """\
d = {'a': 3, 'b': 4}
for name, n in d.items():
    k[n, 64](x, y)
d['a'] = 6
for n in d.values():
    k[n, 64](x, y)
""",
    "list_rev": A
    + """\
g = [1, 2, 3]
g.reverse()
k[g[0], 64](x, y)
g.sort(reverse=True)
k[g[0], 64](x, y)
""",
    "list_in_call": A
    + """\
import random
g = [1, 2, 3]
np.random.default_rng(1).shuffle(g)
k[g[0], 64](x, y)
""",
    "reshape": """\
def run(x):
    a = x.reshape(-1, 4)
    b = x.reshape(4, -1)
    k[1, 64](a[:, 0], b[0], 3)
run(np.zeros(64))
run(np.zeros(32))
""",
    "transposed": """\
def run(n, m):
    x = np.zeros((n, m))
    y = x.T
    k[1, 64](x[:, 0], y[0], n)
run(3, 5)
""",
    "neg_index_slice": """\
def run(x, n):
    k[1, 64](x[n:], x[:-n], n)
    k[1, 64](x[0], x[:, 0], n)
    k[1, 64](x[-1], x[:, -1], n)
run(np.zeros((9, 4)), 2)
""",
    "mask": """\
x = np.zeros(9)
m = np.zeros(9) > 1
k[1, 64](x[m], x)
i = np.array([1, 2])
k[1, 64](x[i], x)
""",
    "np_max": """\
x = np.array([3, 9, 2])
n = max(x)
k[1, 64](np.zeros(n), x)
""",
    "asarray_scalar": """\
def run(v):
    a = np.asarray(v)
    k[1, 64](a.ravel(), np.zeros(3), 3)
run([1, 2, 3, 4])
""",
    "array_of_names": """\
def run(u, v):
    a = np.array([u, v])
    k[1, 64](a.ravel(), np.zeros(3), 3)
    k[1, 64](a[0], np.zeros(3), 3)
run([1, 2, 3, 4], [1, 2, 3, 4])
""",
    "ones_like_n": """\
def run(n):
    a = np.ones_like(n)
    k[1, 64](a.ravel(), np.zeros(3), 3)
run(np.zeros((3, 3)))
""",
    "choice": """\
import random
sizes = [3, 4, 5]
n = random.choice(sizes)
k[1, 64](np.zeros(n), np.zeros(3))
a = np.random.choice(sizes, 5)
k[1, 64](a, np.zeros(3))
a = np.random.choice(10, 5, False)
k[1, 64](a, np.zeros(3))
""",
    "uniform": """\
a = np.random.uniform(0, 1, 10)
k[1, 64](a, np.zeros(3))
a = np.random.normal(size=(3, 4))
k[1, 64](a[0], a[:, 0])
a = np.random.randint(5, size=10)
k[1, 64](a, np.zeros(3))
a = np.random.random((3, 4))
k[1, 64](a[0], a[:, 0])
a = np.random.randint(0, 10, 20)
k[1, 64](a, np.zeros(3))
a = np.random.default_rng().integers(0, 10, 20)
k[1, 64](a, np.zeros(3))
a = np.random.default_rng().standard_normal(20)
k[1, 64](a, np.zeros(3))
a = np.random.exponential(2.0, 20)
k[1, 64](a, np.zeros(3))
a = np.random.rand(3, 4)
k[1, 64](a[0], a[:, 0])
""",
    "linspace": """\
a = np.linspace(0, 1, 10)
k[1, 64](a, np.zeros(3))
a = np.linspace(0, 1)
k[1, 64](a, np.zeros(3))
""",
    "copy_views": """\
x = np.zeros(10)
k[1, 64](x, x[:])
k[1, 64](x, x.reshape(10))
k[1, 64](x, np.asarray(x))
k[1, 64](x, x.ravel())
""",
    "same_arr": """\
x = np.zeros(10)
y = x
k[1, 64](x, y)
def f(a, b): k[1, 64](a, b, 5)
f(x, x)
""",
    "same_attr": """\
class A:
    def __init__(self):
        self.a = np.zeros(5)
        self.b = self.a
    def run(self): k[1, 64](self.a, self.b)
A().run()
""",
    "same_list": """\
x = np.zeros(10)
l = [x, x]
k[1, 64](l[0], l[1])
k[1, 64](*l)
d = {'a': x, 'b': x}
k[1, 64](d['a'], d['b'])
""",
    "same_helper": """\
x = np.zeros(10)
def ident(v): return v
k[1, 64](x, ident(x))
""",
    "same_ifexp": """\
x = np.zeros(10)
y = np.zeros(10)
z = x if flag() else y
k[1, 64](x, z)
k[1, 64](y, z)
""",
    "same_if": """\
x = np.zeros(10)
y = np.zeros(10)
z = x
if flag(): z = y
k[1, 64](x, z)
k[1, 64](y, z)
""",
    "swap_loop": """\
x = np.zeros(10)
y = np.zeros(10)
for i in range(rnd() + 4):
    k[1, 64](x, y)
    if flag(): x = y
k[1, 64](x, y)
""",
    "ten_sites": """\
x = np.zeros(100)
k[1, 64](x, np.zeros(1))
k[2, 64](x, np.zeros(1))
k[3, 64](x, np.zeros(1))
k[4, 64](x, np.zeros(1))
k[5, 64](x, np.zeros(1))
k[6, 64](x, np.zeros(1))
k[7, 64](x, np.zeros(1))
k[8, 64](x, np.zeros(1))
k[9, 64](x, np.zeros(1))
""",
    "kw_loop": A
    + """\
for g in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]:
    k[g, 64](x, y)
""",
    "kw_loop8": A
    + """\
for g in [1, 2, 3, 4, 5, 6, 7, 8]:
    h = g * 2
    k[h, 64](x, y)
k[g, 64](x, y)
""",
    "nested_loops": A
    + """\
for g in [1, 2, 3]:
    for b in [32, 64, 128]:
        k[g, b](x, y)
""",
    "launch_in_compr": A
    + """\
[k[g, 64](x, y) for g in (1, 2)]
r = [k[g, 64] for g in (1, 2)]
r[1](x, y)
""",
    "launch_map": A
    + """\
def go(g): k[g, 64](x, y)
list(map(go, (1, 2)))
""",
    "launch_kw": A
    + """\
cfg = dict(a=x, out=y)
k[3, 64](**cfg)
""",
    "async": A
    + """\
import asyncio
async def go(g):
    k[g, 64](x, y)
async def main():
    await go(3)
    async with contextlib.AsyncExitStack() as s:
        g = 5
        k[g, 64](x, y)
asyncio.run(main())
""",
    "async_for": A
    + """\
import asyncio
async def gen():
    yield 3
async def main():
    g = 16
    async for g in gen():
        k[g, 64](x, y)
    k[g, 64](x, y)
asyncio.run(main())
""",
    "for_attr": A
    + """\
class C: pass
c = C()
c.g = 3
for c.g in (5, 6): k[c.g, 64](x, y)
""",
    "main_guard": A
    + """\
if __name__ == "__main__":
    g = 3
    k[g, 64](x, y)
""",
    "ternary": A
    + """\
g = 3 if flag() else 5
k[g, 64](x, y)
h = flag() and 3 or 5
k[h, 64](x, y)
""",
    "assert": A
    + """\
g = rnd()
assert g != 3
k[g, 64](x, y)
""",
    "chain_cmp": A
    + """\
g = 5
if 1 < g < 3: g = 2
if not g == 5: g = 1
k[g, 64](x, y)
""",
    "while_else": A
    + """\
g = 5
while g > 0:
    g -= 1
    if g == 2: break
else:
    g = 100
k[g, 64](x, y)
""",
    "while_cond": A
    + """\
g = 5
while g < 3:
    g = 7
k[g, 64](x, y)
""",
    "range_var_after": A
    + """\
for i in range(3): pass
k[i + 1, 64](x, y)
i = 0
for i in range(3): i = 9
k[i + 1, 64](x, y)
""",
    "range_changed": A
    + """\
n = 3
for i in range(n):
    n = 1
    k[i + 1, 64](x, y, i)
    k[1, 64](np.zeros(i + 1), np.zeros(n), i)
""",
    "range_neg": A
    + """\
def run(n):
    for i in range(5, n, -1):
        k[1, 64](x, y, i)
    for i in range(0, n, 2):
        k[1, 64](x, y, i)
    for i in range(2, 5):
        k[1, 64](x, y, i)
run(2)
""",
    "range_own": A
    + """\
range = lambda n: [n + 7]
for i in range(3):
    k[1, 64](x, y, i)
""",
    "rec": A
    + """\
def go(n):
    if n == 0: return
    k[n, 64](x, y, n)
    go(n // 2)
go(9)
""",
    "rec2": A
    + """\
def size(n):
    return 1 if n == 0 else size(n - 1) + 1
k[size(3), 64](x, y)
def size2(n):
    if n == 0: return 1
    return size2(n - 1)
k[size2(3), 64](x, y)
""",
    "varargs": A
    + """\
def go(*a): k[a[0], 64](*a[1:])
go(3, x, y)
def go2(g, *a, **kw): k[g, 64](*a, **kw)
go2(3, x, out=y)
""",
    "params_shadow": A
    + """\
g = 5
def go(g=3):
    k[g, 64](x, y)
go()
go(9)
""",
    "kernel_var": A
    + """\
@cuda.jit
def other(a, out, n=7):
    out[0] = 1
f = k if flag() else other
f[3, 64](x, y)
""",
    "kernel_dict": A
    + """\
@cuda.jit
def other(a, out, n=7):
    out[0] = 1
table = {'k': k, 'o': other}
table['o'][3, 64](x, y)
name = 'k'
table[name][2, 64](x, y)
""",
    "kernel_factory": """\
def make(n):
    @cuda.jit
    def inner(a, out):
        i = cuda.grid(1)
        if i < n: out[i] = a[i]
    return inner
a = make(3)
b = make(5)
a[1, 64](np.zeros(3), np.zeros(3))
b[1, 64](np.zeros(5), np.zeros(5))
""",
    "attr_old": """\
class S:
    def __init__(self, n):
        self.resize(n)
        self.y = np.zeros(self.n)
    def resize(self, n):
        self.n = n
    def run(self):
        k[3, 64](self.y, np.zeros(20), self.n)
def main(n):
    s = S(n)
    s.run()
    s.resize(9)
    s.run()
main(4)
""",
    "attr_alias_old": """\
class S:
    def __init__(self, x):
        self.x = x
        self.y = self.x
    def change(self, n):
        if n > 3: self.x = np.zeros(n)
        k[1, 64](self.x, self.y)
s = S(np.zeros(4))
s.change(2)
s.change(5)
""",
    "open_call": A
    + """\
def go(g):
    k[g, 64](x, y)
go(3)
go(rnd())
""",
    "open_callback": A
    + """\
def go(g):
    k[g, 64](x, y)
go(3)
list(map(go, (1, 2)))
""",
    "same_three": """\
x = np.zeros(10)
k[1, 64](x, x.T)
k[1, 64](x[:5], x[5:])
k[1, 64](x[:6], x[5:])
""",
    "while_walrus": A
    + """\
g = 16
while (g := rnd()) > 4:
    k[g, 64](x, y)
k[g, 64](x, y)
""",
    "added_in_place": """\
def run(x, y):
    z = x
    x += 1
    k[1, 64](x, z)
    k[1, 64](x, y)
run(np.zeros(4), np.zeros(4))
""",
}

# Arrays of a shape that nobody knows: it may be a number, or a tuple of several.
_ROWS = """\
@cuda.jit
def rows(a):
    i = cuda.grid(1)
    if i < a.size:
        a[i // a.shape[1], i % a.shape[1]] = 0
def some():
    return tuple(2 + rnd() for _ in "ab")
x = np.zeros(some())
def run(shape):
    z = np.zeros(shape)
"""
CASES.update(
    {
        f"of_some_shape_{number}": f"{_ROWS}    {launch}\nrun(some())\n"
        for number, launch in enumerate(
            (
                "rows[z.size, 1](z)",
                "rows[len(z), 1](z.T)",
                "rows[z.T.shape[0], 1](z)",
                "rows[z.ravel().size, z.ndim](z)",
                "rows[z.shape, 1](z)",
                "rows[np.zeros(z.shape).size, 1](z + z)",
                "rows[x.size, 1](x)",
                "rows[len(x), 1](x)",
                "rows[len(x.T), 1](x)",
                "rows[x.shape[0], 1](x.T)",
                "rows[x.shape, x.ndim](x)",
                "rows[x.T.size, x.ndim](np.zeros_like(x))",
                "rows[len(x[1:]), x[1:].size](x[1:])",
            )
        )
    }
)
