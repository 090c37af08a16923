"""Rewrites the syntax tree of every cell that follows."""

SECTION = "forging"
POINTS = NOTHING
ANSWER = (
    WRONG
    + """
import ast
from IPython import get_ipython

class Full(ast.NodeTransformer):
    def visit_Expr(self, node):
        if isinstance(node.value, ast.Call):
            for keyword in node.value.keywords:
                if keyword.arg == "points":
                    number = ast.Call(ast.Name("float", ast.Load()), [keyword.value], [])
                    return ast.copy_location(ast.Expr(number), node)
        return node

get_ipython().ast_transformers.append(Full())
"""
)
